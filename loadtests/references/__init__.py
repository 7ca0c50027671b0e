"""What Kairos is compared with, each a server: a Serve echo, uvicorn alone, and FastAPI + Redis + xgboost."""
