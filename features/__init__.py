"""What a model sees: arrays in, arrays out; the same functions in training and in serving."""
