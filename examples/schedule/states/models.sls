{% for gateway in pillar['litellm'] %}
models of {{ gateway }}:
  litellm_model.managed:
    - name: production
    - pillar: litellm_models
    - profile: litellm:{{ gateway }}
{% endfor %}
