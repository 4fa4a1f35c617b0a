"""`python -m iris_harness` is `iris-testbed`."""

from iris_harness.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
