"""What serves any kind of object that a gateway holds."""
