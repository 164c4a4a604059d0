"""Durable queues of a workspace: named, ordered, kept until somebody takes the message out."""
