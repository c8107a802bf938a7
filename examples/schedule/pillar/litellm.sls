litellm:
  europe:
    url: https://litellm-europe.example.com
    api_key: sdb://osenv/LITELLM_EUROPE_KEY
  america:
    url: https://litellm-america.example.com
    api_key: sdb://osenv/LITELLM_AMERICA_KEY

litellm_models:
  gpt-4o:
    custom_llm_provider: openai
    base_model: gpt-4o
    model_api_key: sdb://osenv/OPENAI_API_KEY
    rpm: 100
