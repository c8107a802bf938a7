# The gateway keeps the key once, and both models use it. A rotated key is one write.
openai:
  litellm_credential.present:
    - credential_values:
        api_key: {{ pillar['provider_keys']['openai'] }}

{% for model in ('gpt-4o', 'gpt-4o-mini') %}
{{ model }}:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: {{ model }}
    - litellm_params:
        litellm_credential_name: openai
    - require:
      - litellm_credential: openai
{% endfor %}
