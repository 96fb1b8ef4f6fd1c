"""What Matterport's `mrcnn` offers, over this package: behind the facades above it."""
