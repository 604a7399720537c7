"""What other tools read of a warehouse: dbt's sources."""
