"""The processes of a drill: started, listened to, killed for real, and proven dead."""
