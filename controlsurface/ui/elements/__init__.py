"""The pieces that pages are written with, and what data must become before it is one of them."""
