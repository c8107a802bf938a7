production:
  litellm_model.managed:
    - pillar: litellm_models
    - profile: litellm:{{ pillar['gateway'] }}
