litellm:
  dev:
    url: https://litellm-dev.example.com
    api_key: sdb://osenv/LITELLM_DEV_KEY
  staging:
    url: https://litellm-staging.example.com
    api_key: sdb://osenv/LITELLM_STAGING_KEY
  prod-eu:
    url: https://litellm-prod-eu.example.com
    api_key: sdb://osenv/LITELLM_PROD_EU_KEY
  prod-us:
    url: https://litellm-prod-us.example.com
    api_key: sdb://osenv/LITELLM_PROD_US_KEY

# What each gateway is tried with: a virtual key that may call this model and
# nothing else.
trial:
  model: llama
  keys:
    dev: sdb://osenv/LITELLM_DEV_TRIAL_KEY
    staging: sdb://osenv/LITELLM_STAGING_TRIAL_KEY
    prod-eu: sdb://osenv/LITELLM_PROD_EU_TRIAL_KEY
    prod-us: sdb://osenv/LITELLM_PROD_US_TRIAL_KEY

litellm_models:
  llama:
    custom_llm_provider: hosted_vllm
    base_model: meta-llama/Llama-3.3-70B-Instruct
    model_api_base: http://vllm.example.com:8000/v1
    model_api_key: sdb://osenv/VLLM_API_KEY
    rpm: 600
