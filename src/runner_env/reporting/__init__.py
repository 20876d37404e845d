"""What a person or a program is told: text and JSON, made from run records, findings and errors alone."""
