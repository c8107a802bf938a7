hello:
  litellm_model.absent
