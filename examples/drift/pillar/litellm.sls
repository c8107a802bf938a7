litellm:
  url: https://litellm.example.com
  api_key: sdb://osenv/LITELLM_ADMIN_KEY

litellm_models:
  gpt-4o:
    custom_llm_provider: openai
    base_model: gpt-4o
    model_api_key: sdb://osenv/OPENAI_API_KEY
    rpm: 100
  gpt-4o-mini:
    custom_llm_provider: openai
    base_model: gpt-4o-mini
    model_api_key: sdb://osenv/OPENAI_API_KEY
    rpm: 500
