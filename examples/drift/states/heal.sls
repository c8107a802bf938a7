# Rendered by the master's reactor. `tojson` quotes what the minion has sent,
# and a list has no wildcards: the states are applied on that minion and nowhere
# else.
heal:
  local.state.apply:
    - tgt: {{ data['id'] | tojson }}
    - tgt_type: list
    - args:
      - mods: models
      - queue: True
