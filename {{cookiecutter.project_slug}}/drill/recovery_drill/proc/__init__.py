"""Processes as the drill knows them: started, listened to, asked, and ended."""
