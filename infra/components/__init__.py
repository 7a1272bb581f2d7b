"""One ComponentResource per file, with the `Args` type that it takes."""
