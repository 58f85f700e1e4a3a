"""What Africa's Talking sends and gets, byte for byte."""
