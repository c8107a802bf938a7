litellm:
  url: sdb://osenv/LITELLM_PROD_URL
  api_key: sdb://osenv/LITELLM_PROD_KEY

provider_keys:
  openai: sk-the-key-for-prod

rpm: 1000
