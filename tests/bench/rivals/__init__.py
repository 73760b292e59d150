"""What stands for a user's own script around somebody else's library. Each file is a program of its own, run by the
interpreter of the environment that has the library, so none imports anything of ours."""
