# Each environment has its own gateway, keys and limits; the states are the same.
base:
  'dev*':
    - dev
  'prod*':
    - prod
