"""Operations on an environment, one module for each."""
