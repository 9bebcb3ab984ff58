"""What ``make bench-extract`` measures: the vendor's limits, memory, and the same work done by another tool."""
