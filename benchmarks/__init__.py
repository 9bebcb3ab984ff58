"""What ``make bench`` measures and docs/performance.md reports. Never imported by the product."""
