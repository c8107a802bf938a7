gpt-4-proxy:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - model_api_key: {{ pillar['provider_keys']['openai'] }}
    - rpm: {{ pillar['rpm'] }}

# Answers by itself, without any provider behind it: to try the gateway out.
hello:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - litellm_params:
        mock_response: Hello from a model that Salt made.
