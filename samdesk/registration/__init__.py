"""One volume onto another by its grey values, with SimpleITK."""
