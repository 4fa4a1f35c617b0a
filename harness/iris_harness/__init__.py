"""Command line and orchestration: nights, stages, fault injection. The only package that sees all others."""

__all__: list[str] = []
