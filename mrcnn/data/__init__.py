"""Images and their masks: datasets, annotation readers, augmentation and batches."""
