gpt-4-proxy:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - model_api_key: {{ pillar['provider_keys']['openai'] }}
    - tier: paid
    - mode: chat
    - rpm: {{ pillar['rpm'] }}
    - input_cost_per_million_tokens: 30.0
    - output_cost_per_million_tokens: 60.0

# Answers by itself, without any provider behind it: to try the gateway out.
hello:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - litellm_params:
        mock_response: Hello from a model that Salt made.
