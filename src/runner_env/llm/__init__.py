"""Transport for model APIs: one POST of JSON, with everything that can go wrong on the way. Knows no prompts."""

from runner_env.llm.http import Answer, HttpClient, HttpLimits, TransportError

__all__ = ["Answer", "HttpClient", "HttpLimits", "TransportError"]
