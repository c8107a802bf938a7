# Where the gateway is and how to log in. Nothing here is a secret itself.
litellm:
  url: sdb://osenv/LITELLM_DEV_URL
  api_key: sdb://osenv/LITELLM_DEV_KEY

provider_keys:
  openai: sk-the-key-for-dev

rpm: 100
