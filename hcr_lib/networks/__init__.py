"""The networks of the course: what they are made of, how they are built, and how they run."""
