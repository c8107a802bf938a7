# One gateway after the other, for the master's `state.orchestrate`. With
# `failhard` the first step that fails is the last one: the gateways after it
# stay as they are.
{% for gateway in ['dev', 'staging', 'prod-eu', 'prod-us'] %}
converge {{ gateway }}:
  salt.state:
    - tgt: gateway-admin
    - sls: models
    - pillar:
        gateway: {{ gateway }}
    - failhard: True

try {{ gateway }}:
  salt.state:
    - tgt: gateway-admin
    - sls: trial
    - pillar:
        gateway: {{ gateway }}
    - failhard: True
{% endfor %}
