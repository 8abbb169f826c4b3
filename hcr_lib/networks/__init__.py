"""The networks of the course: Keras models, facts about their layers, convolution as it is computed, and inference."""
