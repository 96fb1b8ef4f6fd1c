"""What varied scenes are drawn with: surroundings, people, rubber, light, a camera."""
