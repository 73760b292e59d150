"""Programs that stand for a user's own script around a library. The interpreter of the library's environment runs them,
so they import nothing of ours."""
