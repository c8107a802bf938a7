gpt-4-proxy:
  litellm_model.absent

hello:
  litellm_model.absent
