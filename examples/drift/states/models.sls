production:
  litellm_model.managed:
    - pillar: litellm_models
