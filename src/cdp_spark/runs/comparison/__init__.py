"""What another configuration would do, and what differs between two warehouses."""
