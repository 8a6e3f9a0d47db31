"""What several products need and no engine should know: between jobs, which it may use, and products, which use it."""
