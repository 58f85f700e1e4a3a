"""What Daraja sends and gets, byte for byte."""
