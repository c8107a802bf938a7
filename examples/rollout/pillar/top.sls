base:
  gateway-admin:
    - litellm
