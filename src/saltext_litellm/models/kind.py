"""``DEPLOYMENT``: the noun, the id, the fields and the rows of models, for ``objects/``."""

from __future__ import annotations

from ..objects.kind import Kind
from ..objects.plan import Plan
from .fields import FIELDS
from .row import ModelRow, changed, created

DEPLOYMENT: Kind[ModelRow] = Kind("model", "model_id", FIELDS, created, changed)

ModelPlan = Plan[ModelRow]
