"""The same functions and derivatives in other libraries, written as their users would write them for speed."""
