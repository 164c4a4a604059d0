"""The role matrix of the whole server: who may do what where, shown, verified, compared."""
