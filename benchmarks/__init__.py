"""Benchmarks of hyper_ir beside its neighbours; docs/performance.md tells how to read them."""
