"""The reference pages of the documentation, made from the code; `hook` puts them in when the site is built."""
