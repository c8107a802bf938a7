# One call of the model, as a client makes it. The key is only in the request:
# what the state has, and the job cache with it, is the status. A gateway with
# several workers serves a new model on all of them within half a minute, so
# what fails is tried again for so long.
{% set gateway, trial = pillar['gateway'], pillar['trial'] %}
{% set answer = {} if opts['test'] else salt['http.wait_for_successful_query'](
    pillar['litellm'][gateway]['url'] ~ '/v1/chat/completions',
    wait_for=30,
    request_interval=5,
    method='POST',
    status=True,
    header_dict={
        'Authorization': 'Bearer ' ~ salt['sdb.get'](trial['keys'][gateway], strict=True),
        'Content-Type': 'application/json',
    },
    data={
        'model': trial['model'],
        'max_tokens': 5,
        'messages': [{'role': 'user', 'content': 'Say yes.'}],
    } | tojson,
) %}

{{ trial['model'] }} on {{ gateway }}:
  test.configurable_test_state:
    - changes: False
    - result: {{ opts['test'] or answer.get('status') == 200 }}
    - comment: {{ answer.get('error', 'It answers') | tojson }}
