"""Measurements that anybody can repeat: speed, memory, and what training reaches."""
