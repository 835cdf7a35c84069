"""Who uses far less of what they have than people like them."""
