"""What the journals say, as bounded counts that add up in any order. ``actors.insight`` reads and keeps them."""
