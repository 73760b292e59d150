"""The daemon: leads or stands by, runs what is due, answers probes, and says when something begins to be wrong."""
